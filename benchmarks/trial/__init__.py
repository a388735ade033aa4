"""The trial of the certificate: random problems, their exact answers, and how the certificate is scored by them."""
