"""Looking back: what may belong together, and figures of the watch and of missing children."""
