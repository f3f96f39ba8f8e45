"""Who we call where no person can be called: the installation's addresses, and an agency's own."""
