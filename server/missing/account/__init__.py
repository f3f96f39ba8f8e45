"""One child's time, on paper."""
