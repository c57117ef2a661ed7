//! What a message costs, in tokens read and looks at them and at words. A test holds that it grows with the message and no
//! faster.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts one step.
pub fn step() {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// The steps since the last time.
#[cfg(test)]
pub fn taken() -> u64 {
    STEPS.with(|steps| steps.replace(0))
}
