//! Real images, unpacked into real environments, one after the other.

mod hostile;
mod kept;
mod merge;
mod world;
