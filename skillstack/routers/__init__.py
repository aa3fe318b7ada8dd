"""Routers: which skill answers a text. Scoring needs numpy alone; scikit-learn is loaded only to fit."""
