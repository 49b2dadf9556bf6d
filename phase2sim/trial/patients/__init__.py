"""How the patients of a simulated trial arise: arms, outcomes, and what is seen of them."""
