"""CNN Fixations: which pixels made a convolutional network say what it said.

After Mopuri, Garg, Babu: CNN Fixations, IEEE Transactions on Image Processing 28(5), 2019 (arXiv 1708.06670).
"""

import lazy_loader

__version__ = "0.2.0"

# Each name is imported when it is first used: PyTorch alone takes seconds, and `cnnfix --help` needs none of it.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
