"""The Gram: the sums of one pass, kept, added, subtracted, and the models that come from them."""
