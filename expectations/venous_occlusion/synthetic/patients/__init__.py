"""Makes the synthetic patients behind the study's demonstration. None of them is a real person."""
