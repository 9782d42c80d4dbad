"""Models: the available networks, facts about each, and a visitor's own network."""

from cnnfix_ui.address import kept_in_address
from cnnfix_ui.models import catalogue, own_section

with kept_in_address({}):
    catalogue.show_catalogue()
    own_section.show_own_model()
