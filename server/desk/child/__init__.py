"""One child at the desk: their page, and a page for each question about them."""
