//! What tests need around a node: real servers that can be hurt, and faults on the way to them.
