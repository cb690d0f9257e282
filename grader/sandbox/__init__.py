"""Running student code where it can reach neither the network nor anything of the course."""
