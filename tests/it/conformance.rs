//! Client and emulator together: what a user's program does.
