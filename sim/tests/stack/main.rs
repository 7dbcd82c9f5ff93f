//! The whole stack: guests whose drivers program a virtual SMMU, monitors that make system calls, the kernel with its
//! drivers, and the hardware.

mod bare;
mod dma;
mod faults;
mod front;
mod hostile;
mod machines;
mod rig;
mod spaces;
mod ste;
mod traffic;
