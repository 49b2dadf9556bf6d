"""Evidence in, posterior draws out: fitted, checked, compared, stored, turned into truths."""
