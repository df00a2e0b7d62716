# What a person runs while working. CI runs .ci/run, which does all of `check` and `test` and installs the services.

# List the recipes
default:
    @just --list

# Format, lints, documentation
check:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --locked

# All tests; those that need a service that is not installed say so and pass
test:
    cargo test --locked

# The console against an embedded world
demo:
    cargo run --release --locked -- demo

# Measure; the figures are printed
bench:
    cargo bench --locked

# The pictures of the README, from the real screens; the tests fail when they show another program than this one
pictures:
    AIOPS_PICTURES=write cargo test --locked --test console pictures:: -- --nocapture
