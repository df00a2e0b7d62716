//! Tables of decisions, the property that layers only tighten, and every kind of broken file.
