"""Who there is: agencies, homes, persons, children, and the dated ties between them."""
