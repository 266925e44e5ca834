"""OAuth 2 as its RFCs say, beside the contract's own dialect at `/connect`."""
