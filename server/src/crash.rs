//! Places at which a test has the process end as a power cut would end it. A release build has none.

/// Names the place that a test wants the process to end at.
#[cfg(debug_assertions)]
pub const VARIABLE: &str = "SPARK_TEST_CRASH_AT";

/// Ends the process here, if a test has named this place.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    static WANTED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(VARIABLE).ok());
    if WANTED.as_deref() == Some(name) {
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub fn point(_name: &str) {}
