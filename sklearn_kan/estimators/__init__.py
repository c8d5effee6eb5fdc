"""scikit-learn's interface: parameters in, fitted attributes out."""
