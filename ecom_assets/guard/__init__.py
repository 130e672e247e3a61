"""What comes from outside, made harmless: SQL that others wrote, and text of files, names and paths.

Those who run or show what is not ours ask here first. It knows no table, no terminal and no UI, and imports nothing of
the project.
"""
