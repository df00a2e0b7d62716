//! Making untrusted text visible and harmless.
