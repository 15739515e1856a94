package canonical

// Passing is passing.
var Passing = passing
