# How many of `darts` random points of the unit square are in the circle, times four.
BEGIN {
    srand(seed)
    for (i = 0; i < darts; i++) { x = rand(); y = rand(); if (x * x + y * y < 1) hits++ }
    print 4 * hits / darts
}
