//! The dialects: what clients of each API send and read. A dialect owns its wire types and its
//! spelling of errors; what the words mean is the same for all of them.

pub mod collaborator;
pub mod quant;
pub mod qvalon;
