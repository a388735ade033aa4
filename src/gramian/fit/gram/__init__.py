"""The Gram: sums of one pass that are saved, added and subtracted, and the models fitted from them without data."""
