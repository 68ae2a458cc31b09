"""Reference methods: what a learner has to beat, and the certified optimum it cannot."""
