"""Models: the networks that can be asked, what is known of them, and a network of one's own."""

from cnnfix_ui.models import catalogue, own_section

catalogue.show_catalogue()
own_section.show_own_model()
