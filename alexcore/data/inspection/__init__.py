"""What reads every file of a set once: damage, doubles and pictures that stand out."""
