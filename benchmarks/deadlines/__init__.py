"""How many links die: whole libraries on virtual time, in our order and in others, against the best there is."""
