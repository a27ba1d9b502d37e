//! The dialects: the request and response formats of each API. A dialect owns its wire types and
//! its error texts; the meaning of attributes is the same in all of them.

pub mod collaborator;
pub mod quant;
pub mod qvalon;
