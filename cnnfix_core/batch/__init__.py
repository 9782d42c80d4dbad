"""Many pictures: a row each, on one machine or a cluster, that can be stopped and gone on with."""
