"""Pictures: decoding, views (what the network sees), folders, samples."""
