//! Vouch from the outside: real files, a real ledger, real indexes, real workers, over HTTP.
//!
//! One binary, so that everything is linked once; each module is one subject. A test states a promise
//! of the design and then the case that would break it. Its company is a few strings in a temporary
//! folder, its people are Alice (administrator and approver), Dana (approver), Ines (auditor),
//! Bob (employee) and Carla (contractor), and its server listens on a free port. Nothing sleeps, nothing leaves the
//! machine, and no test needs another one.

mod admin_pages;
mod administration;
mod approval_text;
mod approvals;
mod audit;
mod broken_input;
mod browser;
mod clients;
mod commands;
mod control;
mod conversations;
mod crash;
mod doctor;
mod erase;
mod events;
mod explain;
mod full_disk;
mod held;
mod hostile_files;
mod idp;
mod instructions;
mod keys;
mod limits;
mod matrix;
mod mcp;
mod missing;
mod model;
mod models;
mod openai;
mod origins;
mod permissions;
mod process;
mod push;
mod pushed_badly;
mod reindex;
mod revoke;
mod sample_company;
mod search;
mod shapes;
mod signin;
mod slack;
mod soak;
mod tokens;
mod two_readers;
mod two_worlds;
mod widget;
mod world;
