"""The build in SQL, numbered in the order it runs; a portable subset that Spark reads too."""
