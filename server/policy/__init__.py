"""The numbers of each watch level: model, parser, versions."""
