2the cat sat on the mat2A dog; the CAT!2on and on and on2
mat dog 422x y the endBX