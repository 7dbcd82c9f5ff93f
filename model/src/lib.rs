//! A deterministic functional model of Arm SMMUv3 hardware (IHI 0070 G.b).
pub mod layout;
