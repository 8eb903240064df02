"""Pictures: SVG figures, letters, chains, signals and images, and the pages that hold them."""
