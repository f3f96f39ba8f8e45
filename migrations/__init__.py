"""The steps by which a database comes to hold what the models ask for; never edited after release."""
