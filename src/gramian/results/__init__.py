"""What the results of all models share: tables of coefficients, reports, formats, pictures, rows with residuals."""
