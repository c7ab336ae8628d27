//! The commands: a folder for each noun, a file for each verb.

pub mod tenant;
