//! Validity lists: the first condition that holds decides (§5.2.2, §5.4.2).

macro_rules! refuse {
    ($($condition:expr => $rule:ident,)*) => {
        $(if $condition { return Err(Rule::$rule); })*
    };
}
