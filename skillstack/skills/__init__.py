"""Kinds of skills, one file each: what training, answering, scoring and canaries mean for them."""
