"""All methods, in menu order. To add a method, add an entry here."""

from __future__ import annotations

from cnnfix_core.engine import EVIDENCE, PUBLISHED, get_preset
from cnnfix_core.methods import baselines, cam, class_activation, excitation, gradients, perturbation
from cnnfix_core.methods.feature_maps import needs_gradient, needs_map
from cnnfix_core.methods.fixations import needs_depth, needs_rules, walk
from cnnfix_core.methods.guided import needs_rectifiers
from cnnfix_core.methods.method import Method
from cnnfix_core.methods.per_view import by_view
from cnnfix_core.regions import BoxRule

_PART_OF_MAXIMUM = BoxRule("threshold", 0.2, largest=True)  # Zhou et al., CVPR 2016
_MOST_OF_IT = BoxRule("share", 0.9)
_STRIDES = (32, 16, 8, 4, 2)  # of the feature maps that most networks have
_MIDDLE = BoxRule("threshold", 0.278)  # a centred box of 0.8 times the width and height


def _at(depth: int, title: str, about: str) -> Method:
    """The walk of `fixations`, with its evidence at one depth."""
    return Method(
        name=f"fixations_{depth}",
        title=title,
        family="Fixations at one depth",
        source="this project",
        about=about,
        draw=walk,
        preset=get_preset(EVIDENCE, depth=depth),
        box=_MOST_OF_IT,
        needs=(needs_rules, needs_depth(depth)),
    )


_ALL = (
    Method(
        name="fixations",
        title="Fixations",
        family="Fixations",
        source="this project, after Mopuri et al. 2019",
        about="Walks back from the class's score to the pixels, and shows where the evidence at all depths agrees.",
        draw=walk,
        preset=EVIDENCE,
        box=_MOST_OF_IT,
        needs=(needs_rules,),
    ),
    Method(
        name="published",
        title="Fixations, as published",
        family="Fixations",
        source="Mopuri, Garg, Babu 2019",
        about="Walks back from the class's score to what contributed most, layer by layer, in five crops.",
        draw=walk,
        preset=PUBLISHED,
        box=_MOST_OF_IT,
        needs=(needs_rules,),
    ),
    *(
        _at(
            stride,
            f"Fixations at stride {stride}",
            f"The evidence at the last feature map of stride {stride} that everything passes through.",
        )
        for stride in _STRIDES
    ),
    _at(1, "Fixations at the pixels", "The evidence that arrived at the pixels, blurred a little."),
    Method(
        name="cam",
        title="CAM",
        family="Class activation maps",
        source="Zhou et al. 2016",
        about="Weights each channel of the last feature map by the linear layer's weight for the class.",
        draw=by_view(cam.class_activation_map),
        box=_PART_OF_MAXIMUM,
        needs=(cam.needs_pooled_head,),
    ),
    Method(
        name="gradcam",
        title="Grad-CAM",
        family="Class activation maps",
        source="Selvaraju et al. 2017",
        about="Weights each channel of a feature map by the mean gradient of the class's score.",
        draw=by_view(class_activation.grad_cam),
        box=_PART_OF_MAXIMUM,
        needs=(needs_map, needs_gradient),
        layered=True,
    ),
    Method(
        name="gradcampp",
        title="Grad-CAM++",
        family="Class activation maps",
        source="Chattopadhyay et al. 2018",
        about="Grad-CAM with a weighted mean of the gradients, for several objects of one class.",
        draw=by_view(class_activation.grad_cam_plus_plus),
        box=_PART_OF_MAXIMUM,
        needs=(needs_map, needs_gradient),
        layered=True,
    ),
    Method(
        name="layercam",
        title="LayerCAM",
        family="Class activation maps",
        source="Jiang et al. 2021",
        about="Weights each position of each channel by its own gradient, so that finer layers can be used too.",
        draw=by_view(class_activation.layer_cam),
        box=_PART_OF_MAXIMUM,
        needs=(needs_map, needs_gradient),
        layered=True,
    ),
    Method(
        name="scorecam",
        title="Score-CAM",
        family="Class activation maps",
        source="Wang et al. 2020",
        about="Masks the picture with each channel of a feature map, and weights the channel by the resulting score.",
        draw=by_view(class_activation.score_cam),
        box=_PART_OF_MAXIMUM,
        needs=(needs_map,),
        slow=True,
        layered=True,
    ),
    Method(
        name="guided_backprop",
        title="Guided backpropagation",
        family="Gradients",
        source="Springenberg et al. 2015",
        about="The gradient of the score, with negative gradients removed at each ReLU.",
        draw=by_view(gradients.guided_backprop),
        box=_MOST_OF_IT,
        needs=(needs_gradient, needs_rectifiers),
    ),
    Method(
        name="guided_gradcam",
        title="Guided Grad-CAM",
        family="Gradients",
        source="Selvaraju et al. 2017",
        about="Guided backpropagation multiplied by Grad-CAM.",
        draw=by_view(gradients.guided_grad_cam),
        box=_MOST_OF_IT,
        needs=(needs_map, needs_gradient, needs_rectifiers),
        layered=True,
    ),
    Method(
        name="saliency",
        title="Gradient",
        family="Gradients",
        source="Simonyan et al. 2014",
        about="How much the score changes when a pixel changes a little.",
        draw=by_view(gradients.saliency),
        box=_MOST_OF_IT,
        needs=(needs_gradient,),
    ),
    Method(
        name="integrated_gradients",
        title="Integrated gradients",
        family="Gradients",
        source="Sundararajan et al. 2017",
        about="The gradients along the path from grey to the picture, summed; they add up to the change of the score.",
        draw=by_view(gradients.integrated_gradients),
        box=_MOST_OF_IT,
        needs=(needs_gradient,),
        slow=True,
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        family="Perturbation",
        source="Zeiler, Fergus 2014",
        about="How far the score drops when a grey patch covers a part of the picture.",
        draw=by_view(perturbation.occlusion),
        box=_PART_OF_MAXIMUM,
        slow=True,
    ),
    Method(
        name="rise",
        title="RISE",
        family="Perturbation",
        source="Petsiuk et al. 2018",
        about="The mean probability over the random masks that show a pixel, compared with that over all masks.",
        draw=by_view(perturbation.rise),
        box=_PART_OF_MAXIMUM,
        slow=True,
    ),
    Method(
        name="cmwp",
        title="c-MWP",
        family="Excitation",
        source="Zhang et al. 2018",
        about="Passes the score down through positive weights, minus the same for a class with negated weights.",
        draw=by_view(excitation.contrastive_excitation),
        box=_PART_OF_MAXIMUM,
        needs=(excitation.needs_excitation,),
        layered=True,
    ),
    Method(
        name="centre",
        title="Centre",
        family="Baselines",
        source="a Gaussian",
        about="The same blob in the centre of every picture: a baseline that any method should beat.",
        draw=baselines.centre,
        box=_MIDDLE,
    ),
    Method(
        name="random",
        title="Random",
        family="Baselines",
        source="smooth noise",
        about="Random noise, independent of the network: a baseline that any method should beat.",
        draw=baselines.noise,
        box=_PART_OF_MAXIMUM,
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _ALL}
# Any method should beat these; they come last in every table.
BASELINES = tuple(method.name for method in _ALL if method.family == "Baselines")
