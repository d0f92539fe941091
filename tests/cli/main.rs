//! The command as a user meets it: real processes of the built program, their exit codes, words and files.

mod bad_input;
mod documents;
mod environment;
mod fitting;
mod interruption;
mod outputs;
mod recipes;
mod requires;
mod run;
mod several;
mod whole;
