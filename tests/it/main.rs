//! One test binary: linking is most of what a test run on two cores waits for.

mod csdl;
