"""All that is stored: backup and restore, and the transfer of a child to another agency."""
