"""A made-up country, to try sizes on: agencies, homes, children and what lies behind them."""
