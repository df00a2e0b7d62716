//! Tests of the store on real files.

mod support;

mod ingesting;
