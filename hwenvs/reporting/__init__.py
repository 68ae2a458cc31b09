"""What runs add up to: statistics, tables, plots and a folder with all of them."""
